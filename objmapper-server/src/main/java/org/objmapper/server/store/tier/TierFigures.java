package org.objmapper.server.store.tier;

import org.objmapper.server.metrics.Metric;

/**
 * The metrics of an upper tier.
 *
 * @param hits requests whose object had a copy there
 * @param misses requests whose object had a file, and no copy there
 * @param evictedForCapacity copies that were given up because the tier held more than its high watermark
 * @param evictedForRoom because there was no room for a copy, whatever the capacity says
 * @param evictedForDescriptors because descriptors were short
 */
public record TierFigures(
        Metric objects,
        Metric bytes,
        Metric capacityObjects,
        Metric capacityBytes,
        Metric oldestSeconds,
        Metric hits,
        Metric misses,
        Metric promotions,
        Metric failures,
        Metric evictedForCapacity,
        Metric evictedForRoom,
        Metric evictedForDescriptors) {}
