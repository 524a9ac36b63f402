package org.objmapper.server.store.check;

import java.util.function.Consumer;

/** What a check of a store found, line by line, and what became of it. For one thread, but for {@link #stop}. */
public final class FsckReport {
    /** How a check ends, as fsck(8) does: the worst that was found. */
    public static final int CLEAN = 0;

    public static final int REPAIRED = 1;
    public static final int LEFT_OR_LOST = 4;

    private final boolean repairs;
    private final Consumer<String> lines;
    /** Guarded by this. */
    private boolean isStopped;

    private long repaired;
    private long lost;
    private long left;

    /** A report whose lines go to {@code lines} as they come. */
    FsckReport(boolean repairs, Consumer<String> lines) {
        this.repairs = repairs;
        this.lines = lines;
    }

    /** Something is wrong, and can be put right without a loss. */
    void repairable(String wrong, String toDo, String done) {
        line(wrong, toDo, done);
        repaired += repairs ? 1 : 0;
    }

    /** An object is lost: it can only be taken out. */
    void lost(String wrong, String toDo, String done) {
        line(wrong, toDo, done);
        lost += repairs ? 1 : 0;
    }

    private void line(String wrong, String toDo, String done) {
        tell(wrong + "; " + (repairs ? done : "--repair " + toDo));
        left += repairs ? 0 : 1;
    }

    /** Something is wrong that a person has to look at. */
    void left(String wrong, String toDo) {
        tell(wrong + "; " + toDo);
        left++;
    }

    /** Something that is worth knowing, and no damage. */
    void remark(String text) {
        tell(text);
    }

    private synchronized void tell(String line) {
        if (!isStopped) {
            lines.accept(line);
        }
    }

    /** From now on nothing is told: the check is given up. On any thread. */
    synchronized void stop() {
        isStopped = true;
    }

    /** The last line: what there is, and how it went. */
    void end(String what) {
        tell(what + (exitCode() == CLEAN ? ": clean" : ": repaired=" + repaired + " lost=" + lost + " left=" + left));
    }

    /** The exit code of fsck: 0 clean, 1 repaired, 4 something is left as it was, or lost. */
    public int exitCode() {
        if (left > 0 || lost > 0) {
            return LEFT_OR_LOST;
        }
        return repaired > 0 ? REPAIRED : CLEAN;
    }
}
