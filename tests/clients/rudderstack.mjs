// RudderStack's Node.js SDK, as its documentation shows it; it packs its batches with gzip.
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const [dataPlaneUrl, writeKey, userId] = process.argv.slice(2);
const client = new RudderAnalytics(writeKey, { dataPlaneUrl, flushAt: 20, gzip: true });

const products = [{ product_id: "s-2", price: "3.00", quantity: 1 }];
client.page({ userId, name: "Cart", properties: { path: "/cart" } });
client.screen({ userId, name: "Home", context: { device: { type: "android" } } });
client.track({
  userId,
  event: "Order Completed",
  properties: { order_id: "rudder-1", revenue: "3.00", currency: "EUR", products },
});
client.flush((error) => {
  if (error) {
    console.error(error);
    process.exitCode = 1;
  }
});
