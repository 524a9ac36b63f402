package org.objmapper.server.cli;

import java.util.concurrent.CountDownLatch;
import sun.misc.Signal;

/**
 * SIGTERM, SIGINT and SIGHUP: the first tells whoever waits, the others run what is to be done then. One that was ignored when the
 * process began, as nohup has it, stays so.
 */
final class StopSignal {
    private final CountDownLatch first = new CountDownLatch(1);
    private int arrived;
    private Runnable next = () -> {};

    private StopSignal() {}

    /** Takes the signals from here on, to the end of the process. */
    static StopSignal register() {
        StopSignal stop = new StopSignal();
        for (String name : new String[] {"TERM", "INT", "HUP"}) {
            Signal.handle(new Signal(name), signal -> stop.take());
        }
        return stop;
    }

    private synchronized void take() {
        arrived++;
        if (arrived == 1) {
            first.countDown();
        } else {
            next.run();
        }
    }

    /** Waits for the first. */
    void await() throws InterruptedException {
        first.await();
    }

    /** What each signal after the first does; at once where one has come already. */
    synchronized void atNext(Runnable action) {
        next = action;
        if (arrived > 1) {
            action.run();
        }
    }
}
