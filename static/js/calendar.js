// Moving posts in the calendar: by dragging, and by keyboard. The page works without: each post has a form for its time.
// Arrows go from day to day and from post to post. M picks a post up, then arrows move it by a day or an hour, Page Up and
// Page Down by a week, Enter drops it, Escape gives up. The server decides; what it says stands in the toasts.
const DAY = 86_400_000;
const HOUR = 3_600_000;
const STEPS = { ArrowLeft: -DAY, ArrowRight: DAY, ArrowUp: -HOUR, ArrowDown: HOUR, PageUp: -7 * DAY, PageDown: 7 * DAY };
const reading = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
let carried = null; // { entry, to } while a post is picked up; `to` is wall time in milliseconds, as if it were UTC

const wall = (entry) => Date.parse(`${entry.dataset.at.slice(0, 19)}Z`);
const written = (time) => new Date(time).toISOString().slice(0, 19);
const said = (text) => { document.getElementById("calendar-said").textContent = text; };
const title = (entry) => entry.querySelector(".what").textContent;
const places = () => [...document.querySelectorAll("#calendar [data-day]")].filter((place) => place.offsetParent);

function placeOf(time) {
  const day = written(time).slice(0, 10);
  const hour = String(new Date(time).getUTCHours());
  return places().find((place) => place.dataset.day === day && (place.dataset.hour ?? hour) === hour);
}

function mark(place) {
  for (const marked of document.querySelectorAll("#calendar .target")) marked.classList.remove("target");
  place?.classList.add("target");
  place?.scrollIntoView({ block: "nearest" });
}

function pickUp(entry) {
  if (!entry.dataset.pk) return said(`${title(entry)} cannot be moved here. Open it to see why.`);
  carried = { entry, to: wall(entry) };
  entry.classList.add("moving");
  mark(placeOf(carried.to));
  said(`Picked up ${title(entry)}. Arrows move it by a day or an hour, Enter drops it, Escape gives up.`);
}

function carry(by) {
  carried.to += by;
  mark(placeOf(carried.to));
  said(`${title(carried.entry)}: ${reading.format(carried.to)}`);
}

function letGo(words) {
  carried?.entry.classList.remove("moving");
  carried = null;
  mark(null);
  said(words);
}

async function drop(entry, to) {
  if (to === wall(entry)) return letGo("It stays where it was.");
  const form = document.getElementById("calendar-move");
  const data = new FormData(form);
  data.set("to", written(to));
  data.set("seen", entry.dataset.at);
  letGo("Moving.");
  try {
    const answer = await fetch(form.getAttribute("action").replace("/0/", `/${entry.dataset.pk}/`), { method: "POST", body: data });
    if (answer.status < 500 && !answer.ok) return said("This was refused, and nothing was moved. Reload the page to see how things stand.");
    if (!answer.ok) throw new Error(String(answer.status));
    show(new DOMParser().parseFromString(await answer.text(), "text/html"), entry.dataset.pk);
    said("");
  } catch {
    said("Nobody knows whether it was moved: the server did not answer. Reload the page to see.");
  }
}

function show(page, pk) {
  if (!page.getElementById("calendar")) return location.reload();
  document.getElementById("calendar").replaceWith(page.getElementById("calendar"));
  document.getElementById("toasts").replaceChildren(...page.getElementById("toasts").children);
  document.dispatchEvent(new Event("htmx:afterSwap"));
  document.querySelector(`#calendar [data-pk="${pk}"]`)?.focus();
}

// From link to link: left and right by the day, up and down within it and on to the day above or below.
function walk(link, key) {
  const all = places();
  const here = link.closest("[data-day]");
  const at = all.indexOf(here);
  const links = [...here.querySelectorAll("a")];
  const columns = Number(link.closest("[data-columns]").dataset.columns);
  if (key === "ArrowUp" || key === "ArrowDown") {
    const step = key === "ArrowDown" ? 1 : -1;
    const next = links[links.indexOf(link) + step];
    if (next) return next.focus();
    const other = [...(all[at + step * columns]?.querySelectorAll("a") ?? [])];
    return other.at(step > 0 ? 0 : -1)?.focus();
  }
  let beside = at;
  do beside += key === "ArrowRight" ? 1 : -1; while (all[beside] && !all[beside].querySelector("a"));
  (all[beside]?.querySelector(".slot") ?? all[beside]?.querySelector("a"))?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (carried) {
    if (event.key in STEPS) carry(STEPS[event.key]);
    else if (event.key === "Enter") drop(carried.entry, carried.to);
    else if (event.key === "Escape") letGo("Given up. It stays where it was.");
    else return;
    return event.preventDefault();
  }
  const link = event.target.closest?.("#calendar [data-day] a");
  if (!link) return;
  if (event.key.toLowerCase() === "m" && link.matches(".slot")) pickUp(link);
  else if (event.key.startsWith("Arrow")) walk(link, event.key);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
document.addEventListener("focusin", (event) => {
  if (carried && event.target !== carried.entry) letGo("Given up. It stays where it was.");
});

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("#calendar .slot[data-pk]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", title(dragged));
  dragged.classList.add("moving");
});
document.addEventListener("dragover", (event) => {
  const place = dragged && event.target.closest?.("#calendar [data-day]");
  if (!place) return;
  event.preventDefault();
  if (!place.classList.contains("target")) mark(place);
});
document.addEventListener("drop", (event) => {
  const place = dragged && event.target.closest?.("#calendar [data-day]");
  if (!place) return;
  event.preventDefault();
  const from = wall(dragged);
  const hours = place.dataset.hour === undefined ? (((from % DAY) + DAY) % DAY) : Number(place.dataset.hour) * HOUR + (from % HOUR);
  drop(dragged, Date.parse(`${place.dataset.day}T00:00:00Z`) + hours);
});
document.addEventListener("dragend", () => {
  dragged?.classList.remove("moving");
  dragged = null;
  mark(null);
});
