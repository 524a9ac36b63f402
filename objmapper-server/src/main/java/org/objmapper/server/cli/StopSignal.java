package org.objmapper.server.cli;

import java.util.concurrent.CountDownLatch;

/** SIGTERM and SIGINT: whoever waits learns of them, and the process ends only after {@link #close}, with exit code 0. */
final class StopSignal implements AutoCloseable {
    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::endProcess, "stop");

    private StopSignal() {}

    /** Takes the signals from here on. */
    static StopSignal register() {
        StopSignal signal = new StopSignal();
        Runtime.getRuntime().addShutdownHook(signal.hook);
        return signal;
    }

    /** Waits for one. */
    void await() throws InterruptedException {
        arrived.await();
    }

    private void endProcess() {
        arrived.countDown();
        boolean interrupted = false;
        while (finished.getCount() > 0) {
            try {
                finished.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(ExitCode.OK); // the signal's own exit code would look like a failure
    }

    /** All is put away. */
    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            finished.countDown(); // the signal came, and the hook waits
        }
    }
}
