package org.objmapper.client;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;

/** Where futures are completed unless the caller says otherwise. */
final class Completions {
    /** In the order of the answers. Never shut down: its threads are daemons, and end when they have had nothing to do for a minute. */
    static final Executor POOL = new ForkJoinPool(
            Math.max(2, Runtime.getRuntime().availableProcessors()),
            ForkJoinPool.defaultForkJoinWorkerThreadFactory,
            null,
            true);

    private Completions() {}
}
