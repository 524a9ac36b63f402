package org.objmapper.crash;

/** One PURGE of a key, by prefix or by tag, or as a ban of the latter; what it is not by is empty. By the ledger's clock, and guarded by the ledger. */
final class PurgeRun {
    final String key;
    final String prefix;
    final String tag;
    final long begun;
    long ended = Change.NEVER;

    PurgeRun(String key, String prefix, String tag, long begun) {
        this.key = key;
        this.prefix = prefix;
        this.tag = tag;
        this.begun = begun;
    }

    boolean takes(String name, Version version) {
        if (!key.isEmpty()) {
            return Writer.keyOf(name).equals(key);
        }
        return tag.isEmpty() ? name.startsWith(prefix) : version.tag().equals(tag);
    }

    @Override
    public String toString() {
        String until = ended == Change.NEVER ? "" : " to " + ended;
        String of = tag.isEmpty() ? "prefix " + prefix : "tag " + tag;
        return "purge of " + (key.isEmpty() ? of : "key " + key) + " from " + begun + until;
    }
}
