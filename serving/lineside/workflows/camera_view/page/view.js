// Asks for the newest picture and the camera's health, one after the other, as long as the page is open.
"use strict";

const BETWEEN_MS = 250;
const byId = (id) => document.getElementById(id);

async function renew() {
  try {
    const health = await (await fetch("health", { cache: "no-store" })).json();
    byId("camera").textContent = `${health.camera} (${health.kind})`;
    byId("state").textContent = health.trouble === null ? health.state : `${health.state}: ${health.trouble}`;
    byId("health").textContent = JSON.stringify(health, null, 2);
    if (health.frame !== null) {
      byId("picture").src = `frame.jpg?sequence=${health.frame.sequence}`;
    }
  } catch (error) {
    byId("state").textContent = `no answer: ${error.message}`;
  }
  setTimeout(renew, BETWEEN_MS);
}

renew();
