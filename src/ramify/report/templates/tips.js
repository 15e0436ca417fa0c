// One small box that says what is pointed at; text only, never HTML.
{
  const tip = document.getElementById("tip");
  document.addEventListener("pointerover", (event) => {
    const target = event.target.closest("[data-tip]");
    tip.hidden = !target || !target.dataset.tip;
    if (!tip.hidden) tip.textContent = target.dataset.tip;
  });
  document.addEventListener("pointermove", (event) => {
    if (tip.hidden) return;
    const right = Math.max(window.innerWidth - tip.offsetWidth - 8, 8);
    tip.style.left = `${Math.min(event.clientX + 14, right)}px`;
    const below = event.clientY + 18;
    const fits = below + tip.offsetHeight < window.innerHeight;
    tip.style.top = `${fits ? below : event.clientY - tip.offsetHeight - 10}px`;
  });
}
