package org.objmapper.server.cli;

import java.io.Closeable;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** How far a long command is: a bar with rate and remaining time on a terminal, a line now and then otherwise. */
final class Progress implements Closeable {
    private static final long LINE_EVERY = 1_000;

    private final String task;
    private final PrintStream err;
    private final long totalBytes;
    private @Nullable ProgressBar bar;
    private final long startNanos = System.nanoTime();
    private long objects;
    private long bytes;

    /** {@code totalBytes} is how many are to come. */
    Progress(String task, long totalBytes, Console console) {
        this.totalBytes = totalBytes;
        this.task = task;
        this.err = console.err();
        this.bar = console.errIsTerminal()
                ? new ProgressBarBuilder()
                        .setTaskName(task)
                        .setInitialMax(totalBytes)
                        .setUnit(" MiB", 1 << 20)
                        .setStyle(ProgressBarStyle.ASCII)
                        .showSpeed()
                        .setUpdateIntervalMillis(200)
                        .build()
                : null;
    }

    /** One object more is done. */
    void done(long length) {
        objects++;
        bytes += length;
        if (bar != null) {
            bar.stepBy(length);
        } else if (objects % LINE_EVERY == 0) {
            err.println(summary() + rate());
        }
    }

    long objects() {
        return objects;
    }

    long bytes() {
        return bytes;
    }

    String summary() {
        double seconds = Duration.ofNanos(System.nanoTime() - startNanos).toMillis() / 1_000.0;
        return String.format(Locale.ROOT, "%s: %d objects, %d bytes in %.1f s", task, objects, bytes, seconds);
    }

    /** How fast it goes, and how long it takes yet at that rate. */
    private String rate() {
        double seconds = Math.max(1e-3, (System.nanoTime() - startNanos) / 1e9);
        double perSecond = Math.max(1, bytes / seconds);
        return String.format(
                Locale.ROOT,
                "; %.1f MiB/s, %.0f s left",
                perSecond / (1 << 20),
                Math.max(0, totalBytes - bytes) / perSecond);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close(); // draws it a last time, and would do so again
            bar = null;
        }
    }
}
