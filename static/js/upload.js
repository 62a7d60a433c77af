// A file goes up in pieces (tus 1.0) as soon as it is chosen, with progress, and goes on where it broke off: after a
// lost line by itself, after a reload when the same file is chosen again. Without this the form sends it whole.
const PIECE = 2_000_000;
const PAUSE = 2000;
const TRIES = 5;
const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
const wait = (time) => new Promise((resolve) => { setTimeout(resolve, time); });
const send = (url, method, headers, body) =>
  fetch(url, { method, body, headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": token(), ...headers } });

async function begun(input, file, memory) {
  const known = localStorage.getItem(memory);
  if (known) {
    const answer = await send(known, "HEAD", {});
    if (answer.ok) return [known, Number(answer.headers.get("Upload-Offset"))];
  }
  const bytes = new TextEncoder().encode(file.name.slice(-150));
  const name = btoa(String.fromCharCode(...bytes));
  const answer = await send(input.dataset.upload, "POST", { "Upload-Length": file.size, "Upload-Metadata": `filename ${name}` });
  if (!answer.ok) throw new Error(await answer.text());
  const url = answer.headers.get("Location");
  localStorage.setItem(memory, url);
  return [url, 0];
}

async function piece(url, file, offset) {
  const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset };
  for (let tried = 1; ; tried += 1) {
    try {
      const answer = await send(url, "PATCH", headers, file.slice(offset, offset + PIECE));
      if (answer.ok) return Number(answer.headers.get("Upload-Offset"));
      if (answer.status === 409) return Number((await send(url, "HEAD", {})).headers.get("Upload-Offset"));
      if (answer.status < 500) throw Object.assign(new Error(await answer.text()), { final: true });
    } catch (error) {
      if (error.final || tried >= TRIES) throw error;
    }
    if (tried >= TRIES) throw new Error("The line is lost. Choose the file again later: it goes on where it broke off.");
    await wait(PAUSE * tried);
  }
}

async function upload(input) {
  const [file] = input.files;
  const { form } = input;
  const [bar, said, key] = ["progress", ".upload-said", "[name=upload]"].map((each) => form.querySelector(each));
  const buttons = form.querySelectorAll("button[type=submit]");
  key.value = "";
  if (!file) return;
  const memory = `upload ${file.name} ${file.size} ${file.lastModified}`;
  for (const button of buttons) button.disabled = true;
  bar.hidden = false;
  try {
    let [url, offset] = await begun(input, file, memory);
    while (offset < file.size) {
      bar.value = offset / file.size;
      said.textContent = `${Math.round((100 * offset) / file.size)} % of ${file.name} is here.`;
      offset = await piece(url, file, offset);
    }
    bar.value = 1;
    said.textContent = `${file.name} is here.`;
    key.value = url.split("/").filter(Boolean).pop();
    input.value = "";
    localStorage.removeItem(memory);
  } catch (error) {
    bar.hidden = true;
    said.textContent = error.message;
  }
  for (const button of buttons) button.disabled = false;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file][data-upload]")) upload(event.target);
});
