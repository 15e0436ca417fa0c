// The heat map: cells on a canvas, names beside them when there is room, a window to look closer.
function heatMap(data) {
  const el = (id) => document.getElementById(`heat-${id}`);
  const canvas = el("canvas"), pen = canvas.getContext("2d"), n = data.tasks.length;
  const picture = document.createElement("canvas");
  const ramps = {
    diverging: [[179, 88, 6], [241, 163, 64], [247, 247, 247], [122, 166, 214], [24, 72, 134]],
    sequential: [[246, 248, 250], [158, 192, 226], [62, 122, 190], [10, 48, 96]],
  };
  let layer, view, cell, left, head, cursor = null, from = null;

  function colour(part) {
    const ramp = ramps[layer.diverging ? "diverging" : "sequential"];
    const at = part * (ramp.length - 1), i = Math.min(Math.floor(at), ramp.length - 2);
    return ramp[i].map((low, c) => Math.round(low + (at - i) * (ramp[i + 1][c] - low)));
  }
  const digits = (value) => value.toFixed(2).replace(/^(-?)0\./, "$1.").replace("-", "−");
  const level = (r, c) => layer.levels[(Math.max(r, c) * (Math.max(r, c) + 1)) / 2 + Math.min(r, c)];

  function choose(index) {
    const chosen = data.layers[index];
    const levels = Uint8Array.from(atob(chosen.data), (c) => c.charCodeAt(0));
    layer = { ...chosen, levels };
    el("low").textContent = digits(chosen.low);
    el("high").textContent = digits(chosen.high);
    const legend = el("legend").getContext("2d");
    for (let x = 0; x < 256; x++) {
      legend.fillStyle = `rgb(${colour(x / 255)})`;
      legend.fillRect(x, 0, 1, 1);
    }
    paint();
  }

  // One pixel per cell; repainted only when measure or window change, enlarged by every draw.
  function paint() {
    const image = new ImageData(view.n, view.n);
    const table = [...Array(255).keys()].map((v) => colour(v / 254));
    for (let r = 0, p = 0; r < view.n; r++) {
      for (let c = 0; c < view.n; c++, p += 4) {
        const value = level(view.r + r, view.c + c);
        const grey = (r + c) % 2 ? 160 : 192;
        image.data.set(value === 255 ? [grey, grey, grey] : table[value], p);
        image.data[p + 3] = 255;
      }
    }
    picture.width = picture.height = view.n;
    picture.getContext("2d").putImageData(image, 0, 0);
    draw();
  }

  function draw() {
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(document.body), named = width / view.n >= 13;
    left = named ? Math.min(150, width * 0.3) : 0;
    head = named ? Math.min(110, width * 0.25) : 0;
    cell = (width - left) / view.n;
    canvas.style.height = `${width - left + head}px`;
    canvas.width = width * ratio;
    canvas.height = (width - left + head) * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.imageSmoothingEnabled = cell < 1;
    pen.drawImage(picture, left, head, cell * view.n, cell * view.n);
    outline(style.color);
    if (named) label(style);
    if (cursor) {
      pen.lineWidth = 2;
      pen.strokeStyle = style.color;
      pen.strokeRect(left + (cursor[1] - view.c) * cell, head + (cursor[0] - view.r) * cell, cell, cell);
    }
  }

  function outline(ink) {
    pen.save();
    pen.beginPath();
    pen.rect(left, head, cell * view.n, cell * view.n);
    pen.clip();
    pen.strokeStyle = cell < 4 ? "rgba(20, 24, 28, .55)" : "rgb(20, 24, 28)";
    pen.lineWidth = cell < 4 ? 0.75 : 1.5;
    for (const [start, size] of data.squares) {
      pen.strokeRect(left + (start - view.c) * cell, head + (start - view.r) * cell, size * cell, size * cell);
    }
    pen.restore();
  }

  function label(style) {
    pen.fillStyle = style.color;
    pen.font = `${Math.min(13, Math.max(10, cell * 0.6))}px ${style.fontFamily}`;
    pen.textBaseline = "middle";
    for (let i = 0; i < view.n; i++) {
      pen.textAlign = "right";
      fit(data.tasks[view.r + i], left - 6, head + (i + 0.5) * cell, left - 8);
      pen.save();
      pen.translate(left + (i + 0.5) * cell, head - 6);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "left";
      fit(data.tasks[view.c + i], 0, 0, head - 8);
      pen.restore();
    }
  }

  function fit(name, x, y, room) {
    let text = name;
    while (text.length > 1 && pen.measureText(text).width > room) text = `${text.slice(0, -2)}…`;
    pen.fillText(text, x, y);
  }

  function cellAt(event) {
    const box = canvas.getBoundingClientRect();
    const r = Math.floor((event.clientY - box.top - head) / cell);
    const c = Math.floor((event.clientX - box.left - left) / cell);
    return r >= 0 && c >= 0 && r < view.n && c < view.n ? [view.r + r, view.c + c] : null;
  }

  function tell(at) {
    if (!at) return;
    cursor = at;
    const value = level(...at), [a, b] = at.map((i) => data.tasks[i]);
    const number = layer.low + (value / 254) * (layer.high - layer.low);
    const what = value === 255 ? "no value" : digits(number);
    el("value").textContent = at[0] === at[1] ? `${a} with itself` : `${a} and ${b}: ${what}`;
  }

  function look(r, c, size) {
    const few = Math.min(Math.max(size, Math.min(5, n)), n);
    const clamp = (v) => Math.min(Math.max(v, 0), n - few);
    view = { r: clamp(r), c: clamp(c), n: few };
    el("whole").hidden = few === n;
    paint();
  }

  canvas.addEventListener("pointermove", (event) => { tell(cellAt(event)); draw(); });
  canvas.addEventListener("pointerdown", (event) => { from = cellAt(event); tell(from); draw(); });
  canvas.addEventListener("pointerup", (event) => {
    const to = cellAt(event), size = from && to ? Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) + 1 : 0;
    if (size > 2) look(Math.min(from[0], to[0]), Math.min(from[1], to[1]), size);
    from = null;
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const [r, c] = cursor || [view.r, view.c];
    if (moves[event.key]) {
      const clamp = (v, low) => Math.min(Math.max(v, low), low + view.n - 1);
      tell([clamp(r + moves[event.key][0], view.r), clamp(c + moves[event.key][1], view.c)]);
      draw();
    } else if (event.key === "+" || event.key === "-") {
      const size = Math.round(event.key === "+" ? view.n / 2 : view.n * 2);
      look(r - Math.floor(size / 2), c - Math.floor(size / 2), size);
    } else return;
    event.preventDefault();
  });
  el("whole").addEventListener("click", () => look(0, 0, n));
  el("measure").addEventListener("change", (event) => choose(event.target.value));
  document.getElementById("heat").hidden = false;
  view = { r: 0, c: 0, n };
  choose(el("measure").value);
  window.addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
if (document.getElementById("heat-data")) {
  heatMap(JSON.parse(document.getElementById("heat-data").textContent));
}
