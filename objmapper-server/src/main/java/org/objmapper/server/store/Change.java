package org.objmapper.server.store;

import org.jspecify.annotations.Nullable;

/**
 * A change that readers see already and the index doesn't have yet. Changes reach the index in the order in which they were made.
 *
 * @param key null for one that changes nothing, but waits until all before it are on disk
 * @param record what stands under the key now; null for nothing
 * @param file the body's file, where it came with this change or with one before it that may be on its way too
 * @param outcome whom to tell when it is on disk; null where nobody waits
 * @param result what to tell
 */
record Change(
        @Nullable ObjectKey key,
        @Nullable IndexRecord record,
        @Nullable NewFile file,
        Result.@Nullable Outcome outcome,
        Result result) {
    void tell(Result told) {
        Result.Outcome waiting = outcome;
        if (waiting != null) {
            waiting.done(told);
        }
    }
}
