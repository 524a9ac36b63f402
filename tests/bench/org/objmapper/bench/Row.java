package org.objmapper.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * One thing that is measured, and what it is compared with.
 *
 * @param name how it is chosen
 * @param title what it measures
 * @param versus what the other side is; empty where there is none, and other is null
 * @param needs the program that is to be installed for it; empty where it is one of ours
 */
record Row(String name, String title, Side ours, String versus, Side other, List<Target> targets, String needs) {
    /** Whether the program that it needs is there. */
    boolean canBeMeasured() {
        return needs.isEmpty()
                || Stream.of((System.getenv("PATH") + ":/usr/sbin").split(":"))
                        .anyMatch(directory -> Files.isExecutable(Path.of(directory, needs)));
    }
}
