// What allauth's scripts report when a key could not be used: said beside the button instead of in the console.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const name = event.detail.exception?.name;
  const text =
    name === "NotAllowedError"
      ? "Nothing was signed: the request was dismissed, or it took too long. Try again, or use another way."
      : "This device could not use a passkey here. Try another way, or another browser.";
  let notice = document.getElementById("passkey-trouble");
  if (!notice) {
    notice = document.createElement("p");
    notice.id = "passkey-trouble";
    notice.className = "notice wait";
    notice.setAttribute("role", "alert");
    (document.querySelector("main .card h1, main .card h2, main h2") ?? document.querySelector("main")).after(notice);
  }
  notice.textContent = text;
});
