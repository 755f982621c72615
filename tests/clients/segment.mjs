// Segment's Node.js library, as its documentation shows it: a view, an order, who it is, then the end.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey, userId] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, maxEventsInBatch: 3 });
analytics.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});

const view = { product_id: "s/1", price: 4.5, category: "tea" };
const products = [{ product_id: "s/1", price: 4.5, quantity: 2, category: "tea" }];
analytics.identify({ userId, traits: { plan: "gold", email: "jane@example.com" } });
analytics.track({ userId, event: "Product Viewed", properties: view });
analytics.track({
  userId,
  event: "Order Completed",
  properties: { order_id: "node-1", total: 9, currency: "EUR", products },
});
analytics.track({ userId, event: "Video Played" });
await analytics.closeAndFlush();
