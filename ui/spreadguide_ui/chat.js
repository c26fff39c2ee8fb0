// Makes the answer a live region once Gradio has drawn it, so that screen readers say what is new and only that.
// Also scrolls to a new turn and names the page's language: Gradio names the browser's, but every word here is British English.
"use strict";

const LANGUAGE = "en-GB";
const LIVE_REGIONS = ["sg-current", "sg-notice", "sg-top-banner"];

let lastTurn = null;

// Brings a new turn of the conversation into view, once.
function showNewTurn() {
  const turn = document.querySelector("#sg-current .sg-question");
  if (turn && turn !== lastTurn) {
    turn.scrollIntoView({ block: "start" });
  }
  lastTurn = turn;
}

function prepare() {
  if (document.documentElement.lang !== LANGUAGE) {
    document.documentElement.lang = LANGUAGE;
  }
  showNewTurn();
  for (const id of LIVE_REGIONS) {
    const region = document.getElementById(id);
    if (region && !region.hasAttribute("aria-live")) {
      region.setAttribute("aria-live", "polite");
      region.setAttribute("aria-relevant", "additions text");
    }
  }
}

new MutationObserver(prepare).observe(document.documentElement, {
  attributeFilter: ["lang"],
  childList: true,
  subtree: true,
});
prepare();
