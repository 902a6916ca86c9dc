"use strict";
// Tells the numbers of a chart under a pointer, or one after the other with the arrow keys.
for (const chart of document.querySelectorAll("svg[data-spots]")) {
  const spots = JSON.parse(chart.dataset.spots).sort((a, b) => a[0] - b[0]);
  const reading = Object.assign(document.createElement("div"), { className: "reading", hidden: true });
  reading.setAttribute("role", "status");
  chart.parentNode.append(reading);
  const mark = document.createElementNS(chart.namespaceURI, "circle");
  mark.setAttribute("class", "mark");
  mark.setAttribute("r", 5);
  let at = -1;

  const show = (number) => {
    at = Math.max(0, Math.min(spots.length - 1, number));
    const [x, y, text] = spots[at];
    mark.setAttribute("cx", x);
    mark.setAttribute("cy", y);
    chart.append(mark);
    reading.textContent = text;
    reading.hidden = false;
    const box = chart.getBoundingClientRect(), frame = chart.parentNode.getBoundingClientRect();
    const point = new DOMPoint(x, y).matrixTransform(chart.getScreenCTM());
    const left = Math.min(point.x - frame.left + 10, frame.width - reading.offsetWidth);
    const above = point.y - frame.top - reading.offsetHeight - 10;
    reading.style.left = `${Math.max(0, left)}px`;
    reading.style.top = `${above < box.top - frame.top ? point.y - frame.top + 12 : above}px`;
  };
  const hide = () => { reading.hidden = true; mark.remove(); at = -1; };
  const nearest = (event) => {
    const pointer = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
    const distance = ([x, y]) => Math.hypot(x - pointer.x, y - pointer.y);
    show(spots.reduce((best, spot, i) => distance(spot) < distance(spots[best]) ? i : best, 0));
  };

  chart.tabIndex = 0;
  chart.addEventListener("pointermove", nearest);
  chart.addEventListener("pointerdown", nearest);
  chart.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") hide(); });
  chart.addEventListener("blur", hide);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    event.preventDefault();
    show(at + step);
  });
}
