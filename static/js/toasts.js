// What was said after an action leaves by itself after eight seconds, unless it is read (hover, focus) or offers Undo.
const STAYS = 8000;

function fade(toast) {
  if (toast.matches(":hover, :focus-within")) return void setTimeout(fade, STAYS, toast);
  toast.classList.add("gone");
  setTimeout(() => toast.remove(), 200);
}

function watch(root) {
  for (const toast of root.querySelectorAll(".toast[data-fades]")) setTimeout(fade, STAYS, toast);
}

watch(document);
document.addEventListener("htmx:afterSwap", () => watch(document));

// The server could not be reached, or refused: the page stays as it is, and says so.
function say(text) {
  const toast = document.createElement("div");
  toast.className = "toast risk";
  toast.textContent = text;
  toast.dataset.fades = "";
  const place = document.getElementById("toasts");
  place?.append(toast);
  if (place) watch(place);
}

document.addEventListener("htmx:sendError", () => say("No connection to the server. Nothing was changed; try again."));
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401 || status === 403) say("This was refused. Reload the page and see whether you are still signed in.");
  else say(`The server answered ${status} and nothing was changed. Reload the page to see how things stand.`);
});
