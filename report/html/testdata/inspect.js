// Looks at the page as a reader would and returns what is wrong with it: parts
// that stick out, texts over texts, contrasts below 4.5.
(() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);

  const where = (node) => {
    const e = node.nodeType === 1 ? node : node.parentElement;
    return `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") || ""}"> ${JSON.stringify(e.textContent.slice(0, 40))}`;
  };
  const scrolls = (e) => e.closest(".frame, .unseen, .skip, pre, select, option, thead, caption") !== null;

  // Texts in sight, each with its boxes.
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest("script, style, noscript, title, .unseen, .skip, option")) continue;
    if (!e.checkVisibility({ visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter((r) => r.width > 1 && r.height > 1);
    if (boxes.length) texts.push({ node, e, boxes });
    if (texts.length >= 3000) break;
  }

  for (const { node, e, boxes } of texts) {
    if (!scrolls(e) && boxes.some((r) => r.right > root.clientWidth + 1 || r.left < -1)) faults.push("sticks out: " + where(node));
  }

  // Two texts cover each other when their boxes share more than a hair. Boxes of
  // lines are taller than letters, so a third of the height is let off.
  const all = texts.flatMap(({ node, e, boxes }) => boxes.map((r) => ({
    node, e, left: r.left + 1, right: r.right - 1, top: r.top + r.height * 0.18, bottom: r.bottom - r.height * 0.18,
  }))).sort((a, b) => a.top - b.top);
  for (let i = 0; i < all.length; i++) {
    for (let k = i + 1; k < all.length && all[k].top < all[i].bottom; k++) {
      const a = all[i], b = all[k];
      if (a.node !== b.node && a.left < b.right && b.left < a.right && !scrolls(a.e) && !scrolls(b.e)) {
        faults.push(`covers: ${where(a.node)} and ${where(b.node)}`);
      }
    }
  }

  // Contrast by WCAG 2: relative luminance of the colour over what lies under it.
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (css) => {
    if (!known.has(css)) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = css;
      context.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
      known.set(css, { r, g, b, a: a / 255 });
    }
    return known.get(css);
  };
  const over = (top, under) => ({
    r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1,
  });
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const rect = at.namespaceURI.endsWith("svg") && at.tagName === "g" ? at.querySelector(":scope > rect") : null;
      const css = rect ? getComputedStyle(rect).fill : getComputedStyle(at).backgroundColor;
      if (css !== "none") layers.push(colour(css));
      if (layers.length && layers[layers.length - 1].a === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), colour(getComputedStyle(root).backgroundColor));
  };
  const luminance = ({ r, g, b }) => {
    const line = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * line(r) + 0.7152 * line(g) + 0.0722 * line(b);
  };
  const poor = new Set();
  for (const { node, e } of texts) {
    if (e.closest("button:disabled")) continue; // WCAG lets inactive parts off
    const under = ground(e);
    const style = getComputedStyle(e);
    const ink = over(colour(e.namespaceURI.endsWith("svg") ? style.fill : style.color), under);
    const [a, b] = [luminance(ink), luminance(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.add(`contrast ${ratio.toFixed(2)}: <${e.tagName.toLowerCase()} class="${e.getAttribute("class") || ""}"> in <${e.parentElement.tagName.toLowerCase()} class="${e.parentElement.getAttribute("class") || ""}">`);
  }
  return [...faults.slice(0, 12), ...poor];
})()
