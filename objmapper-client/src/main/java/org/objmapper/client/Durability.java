package org.objmapper.client;

/** When a change counts as done (protocol-spec.md 5.4.8). */
public enum Durability {
    /** Visible at once, on disk within a bounded time: until then it is lost when the server or the machine dies. */
    RELAXED,
    /** The reply means that the change survives power loss. */
    DURABLE
}
