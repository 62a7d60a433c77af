// The inbox keeps its place: the list where it was scrolled, the conversation at its end, the choice under the fingers.
let scrolled = 0;
let focused = "";

function toTheEnd() {
  const log = document.getElementById("log");
  if (log && !new URLSearchParams(location.search).has("until")) log.scrollTop = log.scrollHeight;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const id = event.target.id;
  if (id === "inbox" || id === "conversations") {
    scrolled = document.querySelector(".inbox > .list")?.scrollTop ?? 0;
    focused = document.activeElement?.matches(".conv") ? document.activeElement.getAttribute("href") : "";
  } else if (id === "log") {
    const log = event.target;
    scrolled = log.scrollHeight - log.scrollTop - log.clientHeight < 40 ? Infinity : log.scrollTop;
  }
});

document.addEventListener("htmx:afterSettle", (event) => {
  const id = event.target.id;
  if (id === "inbox" || id === "conversations") {
    const list = document.querySelector(".inbox > .list");
    if (list) list.scrollTop = scrolled;
    if (focused) document.querySelector(`.conv[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    if (id === "inbox") toTheEnd();
  } else if (id === "log") {
    const log = document.getElementById("log");
    if (log) log.scrollTop = scrolled === Infinity ? log.scrollHeight : scrolled;
  }
});

// What nobody looks at is not refreshed; what is looked at again is, at once.
const REFRESHED = "#conversations, #log";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches(REFRESHED)) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) for (const part of document.querySelectorAll(REFRESHED)) htmx.trigger(part, "shown");
});

toTheEnd();
