package org.objmapper.bench;

import java.util.List;

/**
 * One thing that is measured, and what it is compared with.
 *
 * @param name how it is chosen
 * @param title what it measures
 * @param versus what the other side is; empty where there is none, and other is null
 */
record Row(String name, String title, Side ours, String versus, Side other, List<Target> targets, Need needs) {
    boolean canBeMeasured() {
        return needs.isThere().getAsBoolean();
    }
}
