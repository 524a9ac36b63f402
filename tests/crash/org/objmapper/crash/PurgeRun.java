package org.objmapper.crash;

/** One PURGE by prefix or by tag, or as a ban of the same; the other of the two is empty. By the ledger's clock, and guarded by the ledger. */
final class PurgeRun {
    final String prefix;
    final String tag;
    final long begun;
    long ended = Change.NEVER;

    PurgeRun(String prefix, String tag, long begun) {
        this.prefix = prefix;
        this.tag = tag;
        this.begun = begun;
    }

    boolean takes(String key, Version version) {
        return tag.isEmpty() ? key.startsWith(prefix) : version.tag().equals(tag);
    }

    @Override
    public String toString() {
        String until = ended == Change.NEVER ? "" : " to " + ended;
        return "purge of " + (tag.isEmpty() ? "prefix " + prefix : "tag " + tag) + " from " + begun + until;
    }
}
