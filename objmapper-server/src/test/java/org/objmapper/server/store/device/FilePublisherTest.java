package org.objmapper.server.store.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.protocol.Status;

@Timeout(120)
class FilePublisherTest {
    private static final byte[] DIGEST = new byte[32];
    private static final DeviceException GONE = new DeviceException(Status.IO_ERROR, "the device is gone");

    @TempDir
    Path directory;

    private final BlockingQueue<NewFile> settled = new LinkedBlockingQueue<>();
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final List<NewFile> made = new ArrayList<>();
    private Device device;
    private FilePublisher publisher;

    @BeforeEach
    void open() throws Exception {
        device = Device.open(directory);
        publisher = new FilePublisher(device, settled::addAll);
    }

    @AfterEach
    void close() {
        goOn.countDown();
        publisher.close();
        made.forEach(file -> file.discard());
        device.close();
    }

    private NewFile file() {
        NewFile file = new NewFile(device, device.createTemporary(), false, DIGEST, made.size() + 1);
        made.add(file);
        return file;
    }

    private NewFile next() throws InterruptedException {
        NewFile file = settled.poll(1, TimeUnit.MINUTES);
        assertThat(file).as("the file that is settled next").isNotNull();
        return file;
    }

    @Test
    void filesAreOnDiskWithTheirNamesWhenThatIsTold() throws Exception {
        List<NewFile> files = List.of(file(), file(), file());
        publisher.publish(files);
        for (NewFile ignored : files) {
            NewFile file = next();
            assertThat(files).contains(file);
            assertThat(file.isSettled()).isTrue();
            assertThat(file.loss()).isNull();
            assertThat(directory.resolve("objects/" + Device.name(DIGEST, file.generation())))
                    .exists();
        }
    }

    @Test
    void aFileThatIsGivenTwiceIsBroughtToDiskOnce() throws Exception {
        NewFile file = file();
        publisher.publish(List.of(file));
        publisher.publish(List.of(file));
        assertThat(next()).isSameAs(file);
        NewFile other = file();
        publisher.publish(List.of(other));
        assertThat(next()).isSameAs(other);
    }

    @Test
    void oneFileThatIsLostTakesNoOtherWithIt() throws Exception {
        NewFile lost = new NewFile(device, -1, false, DIGEST, 99);
        NewFile good = file();
        publisher.publish(List.of(lost, good));
        assertThat(List.of(next(), next())).containsExactlyInAnyOrder(lost, good);
        assertThat(lost.loss()).isNotNull();
        assertThat(good.loss()).isNull();
    }

    @Test
    void filesOfADeviceThatIsGivenUpAreLostAtOnceAndToldOnce() throws Exception {
        publisher.close();
        CountDownLatch held = new CountDownLatch(1);
        publisher = new FilePublisher(device, files -> {
            settled.addAll(files);
            if (settled.size() == 1) {
                held.countDown();
                awaitGoOn();
            }
        });
        NewFile first = file();
        publisher.publish(List.of(first));
        held.await();
        NewFile second = file();
        publisher.publish(List.of(second));

        publisher.giveUp(GONE);

        assertThat(first.loss()).as("it was on disk before").isNull();
        assertThat(second.loss()).isSameAs(GONE);
        assertThat(settled).containsExactly(first, second);
        goOn.countDown();
        publisher.close();
        assertThat(settled).containsExactly(first, second);
    }

    private void awaitGoOn() {
        try {
            goOn.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
