import { listen } from "./service.js";
import { showStrip, startStrip } from "./strip.js";

await startStrip();
listen({ clock: showStrip });
