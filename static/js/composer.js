// What stands in the composer is kept every few seconds, for this page alone, and the page says who else is at it.
const EVERY = 3000; // ms from a change to its keeping
const WORD = 15000; // ms between two words that the page is still open
const form = document.querySelector("form[data-autosave]");

// The page keeps its name over a reload, and no other tab ever has the same: a copy of this tab finds it taken away.
const place = () => `tab:${location.pathname}`;
const tab = sessionStorage.getItem(place()) ?? crypto.randomUUID();
sessionStorage.removeItem(place());

// A thread grows: whoever writes into its last text gets an empty one below.
document.addEventListener("input", (event) => {
  const texts = event.target.closest("[data-grows]");
  if (!texts || event.target !== texts.lastElementChild || !event.target.value.trim()) return;
  const next = event.target.cloneNode();
  next.value = "";
  next.id = `${event.target.id}_`;
  next.setAttribute("aria-label", `Post ${texts.children.length + 2} of the thread`);
  texts.append(next);
});

let touched = false;
let changed = false;
let asking = false;
let last = 0;
let over = false;

async function keep() {
  if (asking || over || !touched) return;
  if (!changed && (document.hidden || Date.now() - last < WORD)) return;
  const fields = words();
  asking = true;
  changed = false;
  last = Date.now();
  try {
    const answer = await fetch(form.dataset.autosave, { method: "POST", body: fields, redirect: "error" });
    if (answer.ok) told(await answer.text());
    else failed(answer, await answer.text(), fields);
  } catch {
    changed ||= fields.has("text");
    say("Not kept: there is no answer. Your text stands here, and is tried again.");
  } finally {
    asking = false;
  }
}

function words() {
  if (changed) return new FormData(form);
  const word = new FormData();
  for (const name of ["csrfmiddlewaretoken", "tab"]) word.set(name, form.elements[name].value);
  return word;
}

function told(html) {
  if (!html || over) return;
  const page = new DOMParser().parseFromString(html, "text/html");
  const { post, autosave, revision } = page.getElementById("presence").dataset;
  if (form.dataset.autosave !== autosave) {
    form.dataset.autosave = autosave;
    form.action = post;
    form.elements.expected_revision.value = revision;
    history.replaceState(null, "", post);
  }
  for (const id of ["presence", "kept"]) {
    const [old, now] = [document.getElementById(id), page.getElementById(id)];
    if (old.textContent.trim() !== now.textContent.trim()) old.replaceWith(document.importNode(now, true));
  }
}

function failed(answer, text, fields) {
  changed ||= fields.has("text");
  if (answer.status === 422) return say(text);
  if (answer.status === 401) return say("Not kept: you are signed out. Your text stands here. Sign in in another tab, then copy it over.");
  if (answer.status === 403 || answer.status === 404) return say("Not kept: you may not change this post any more. Your text stands here.");
  say("Not kept. Your text stands here, and is tried again.");
}

function say(text) {
  const kept = document.getElementById("kept");
  if (kept.textContent !== text) kept.textContent = text;
}

// A reload may be answered before what it cut off was kept, so the page asks once more what is unsaved.
async function offer() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("unsaved");
  if (now) document.getElementById("unsaved")?.replaceWith(document.importNode(now, true));
}

if (form) {
  const sent = `sent:${location.pathname}`;
  if (sessionStorage.getItem(sent)) setTimeout(offer, 1000);
  sessionStorage.removeItem(sent);
  form.elements.tab.value = tab;
  form.addEventListener("focusin", () => (touched = true));
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, () => {
      touched = true;
      changed = true;
    });
  }
  form.addEventListener("submit", () => (over = true));
  setInterval(keep, EVERY);
  addEventListener("pagehide", () => {
    if (over) return;
    sessionStorage.setItem(place(), tab);
    if (!changed && !asking) return; // a request under way is cut off
    navigator.sendBeacon(form.dataset.autosave, new FormData(form));
    sessionStorage.setItem(`sent:${location.pathname}`, "yes");
  });
  addEventListener("pageshow", () => {
    over = false;
    sessionStorage.removeItem(place());
  });
}
