/**
 * offerstream in a page: tell what a person does, ask what to show, listen for offers, say what
 * became of them. One file without dependencies; `offerstream.js` beside it is made of this one.
 *
 * What is told waits in the browser until the gateway has it, over reloads and offline. An event
 * gets its id once, here, so that it counts once, however often it is sent.
 */
export type EventName = "page_viewed" | "account_cancel_page_viewed" | "products_searched" | "product_list_viewed" | "product_viewed" | "product_added" | "product_removed" | "cart_viewed" | "checkout_started" | "coupon_entered" | "coupon_applied" | "coupon_denied" | "coupon_removed" | "promotion_viewed" | "promotion_clicked" | "order_completed";
export type Purpose = "personalization" | "profiling" | "location_beacon" | "marketing_push" | "marketing_email" | "marketing_sms" | "model_training";
export type Did = "seen" | "clicked" | "dismissed" | "used";
export type Channel = "web" | "app" | "store" | "email" | "sms" | "push" | "call_center";
export interface Product {
    product_id: string;
    category: string;
    name?: string;
    brand?: string;
    price?: number | string;
    currency?: string;
    quantity?: number;
    [more: string]: unknown;
}
/** What an event holds beside its name; what each name needs is in docs/events.md. */
export interface Fields {
    product?: Product;
    products?: Product[];
    query?: {
        text: string;
        results_count?: number;
    };
    cart?: {
        cart_id: string;
        value?: number | string;
        items?: Product[];
        currency?: string;
    };
    promotion?: {
        promotion_id: string;
        name?: string;
        position?: number;
    };
    coupon_code?: string;
    order_id?: string;
    total?: number | string;
    items?: (Partial<Product> & {
        quantity: number;
        unit_price: number | string;
    })[];
    currency?: string;
    context?: {
        [name: string]: unknown;
    };
    [more: string]: unknown;
}
/** An offer as it may be shown, until `valid_until`; it can be used until `offer.valid_until`. */
export interface Offer {
    decision_id: string;
    placement: string;
    channel: Channel;
    decided_at: string;
    valid_until: string;
    offer: {
        offer_id: string;
        version: number;
        class: string;
        kind: "percent" | "amount" | "bogo" | "points" | "content" | "service";
        value: number;
        currency: string;
        /** What a basket must hold; what is not there does not restrict. */
        conditions: {
            min_spend?: number;
            product_ids?: string[];
            categories?: string[];
            store_ids?: string[];
        };
        valid_until: string;
    };
    coupon: {
        code?: string;
        gcn?: string;
    } | null;
    creative: {
        template_id: string;
        params: {
            [name: string]: string | number;
        };
        locale: string;
    };
    text: {
        [language in "en" | "ja" | "zh"]?: string;
    };
    reason_codes: string[];
    /** Its fields as a pass, unsigned: your backend signs them, as docs/wallet.md tells. */
    wallet?: {
        google: {
            offerClasses: GoogleOffer[];
            offerObjects: GoogleOffer[];
        };
        apple: {
            formatVersion: 1;
            serialNumber: string;
            description: string;
            [more: string]: unknown;
        };
    } | null;
}
/** A class or an object of the Google Wallet API; without an id where the offer names no class. */
export interface GoogleOffer {
    id?: string;
    [more: string]: unknown;
}
/** `failed`: the gateway refused or was not reached; `reason_codes` has its code, or `unreachable`. */
export interface Decided {
    verdict: "offer" | "no_offer" | "timeout" | "failed";
    reason_codes: string[];
    decision_id?: string | null;
    offer?: Offer | null;
}
export interface Question {
    channel?: Channel;
    context?: {
        [name: string]: unknown;
    };
    product?: Product;
    store_id?: string;
    /** How long a decision is waited for, 1 to 5000. */
    timeout_ms?: number;
}
export interface Options {
    /** The gateway's origin; without it, where this file came from. */
    url?: string;
    /** The write key of your pages, for `track` and `consent`. */
    key?: string;
    /** The id of the customer who is logged in. */
    customer?: string;
    /** Gets a token for this customer from your backend; asked again when it has run out. */
    token?: () => string | Promise<string>;
    /**
     * What the person said to your banner, for `personalization` and `profiling`. Without a yes
     * nothing is tracked and nothing is stored; a no forgets what was, too.
     */
    consent?: boolean;
    channel?: "web" | "app";
}
export interface Offerstream {
    /** Tells what the person does. It waits in the browser until the gateway has it. */
    track(name: EventName, fields?: Fields): void;
    /**
     * Tells what the person allows. A yes to `personalization` or `profiling` lets `track` begin; a
     * no ends it and forgets the browser, unless the other was allowed here. Other purposes change
     * neither. A no itself waits until the gateway has it.
     */
    consent(purposes: {
        [purpose in Purpose]?: boolean;
    }): void;
    /** Asks what to show in a placement now. It always answers, and never throws. */
    decide(placement: string, question?: Question): Promise<Decided>;
    /** Calls `show` for each valid offer and for each new one, once each; returns how to end it. */
    onOffer(show: (offer: Offer) => void): () => void;
    /** Tells what the person did with an offer. */
    feedback(offer: Offer, did: Did): void;
}
export declare function connect(options: Options): Offerstream;
