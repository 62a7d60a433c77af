// Drag the part of a picture that a format keeps. The numbers beside it are what is sent; both follow each other.
const picture = document.querySelector("svg.cropping");
const form = picture && document.getElementById(picture.dataset.form);

if (form) {
  const boxes = [...picture.querySelectorAll(".kept")];
  const { width: wide, height: high } = picture.viewBox.baseVal;
  const ratio = boxes[0].width.baseVal.value / boxes[0].height.baseVal.value;
  const number = (name) => Number(form.elements[name].value) || 0;
  const within = (value, most) => Math.min(Math.max(value, 0), Math.max(most, 0));

  const draw = () => {
    const width = (number("width") / 100) * wide;
    const place = { x: (number("x") / 100) * wide, y: (number("y") / 100) * high, width, height: width / ratio };
    for (const box of boxes) for (const [name, value] of Object.entries(place)) box.setAttribute(name, value.toFixed(1));
  };

  const put = (x, y) => {
    const width = number("width");
    const height = ((width / 100) * wide) / ratio / high * 100;
    form.elements.x.value = within(x, 100 - width).toFixed(1);
    form.elements.y.value = within(y, 100 - height).toFixed(1);
    draw();
  };

  form.addEventListener("input", draw);
  let from = null;
  picture.addEventListener("pointerdown", (event) => {
    from = { left: event.clientX, top: event.clientY, x: number("x"), y: number("y") };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => {
    if (!from) return;
    const seen = picture.getBoundingClientRect();
    put(from.x + ((event.clientX - from.left) / seen.width) * 100, from.y + ((event.clientY - from.top) / seen.height) * 100);
  });
  for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { from = null; });
}
