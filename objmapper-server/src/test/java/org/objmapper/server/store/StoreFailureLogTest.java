package org.objmapper.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.objmapper.server.store.StoreUnderTest.durable;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.objmapper.server.store.index.LoggedKeys;
import org.slf4j.LoggerFactory;

/** What the log says of bodies that are broken. */
class StoreFailureLogTest {
    private static final byte[] LARGE = new byte[10_000];

    @TempDir
    Path directory;

    private final Logger log = (Logger) LoggerFactory.getLogger("org.objmapper.server.store");
    private final ListAppender<ILoggingEvent> events = new ListAppender<>();
    private StoreUnderTest store;

    @BeforeEach
    void open() throws Exception {
        store = new StoreUnderTest(directory);
        store.store().awaitRecovery();
        events.start();
        log.addAppender(events);
    }

    @AfterEach
    void close() {
        log.detachAppender(events);
        store.close();
    }

    private List<String> lines() {
        return List.copyOf(events.list).stream()
                .map(ILoggingEvent::getFormattedMessage)
                .collect(Collectors.toList());
    }

    @Test
    void aBodyThatCannotBeOpenedIsNamed() throws Exception {
        store.put(durable("a key"), LARGE);
        Path file = store.objectFiles().get(0);
        store.store().shedDescriptors();
        Files.delete(file);
        // Opening a link that leads to itself fails otherwise than with "not found".
        Files.createSymbolicLink(file, file.getFileName());

        assertThatThrownBy(() -> store.get("a key")).hasCauseInstanceOf(StoreException.class);
        assertThat(lines()).anySatisfy(line -> assertThat(line)
                .contains("\"a key\" can't be read: cannot open the file objects/"));
    }

    @Test
    void aBodyThatEndsTooEarlyIsNamedWithItsFile() throws Exception {
        store.put(durable("a\nkey"), LARGE);
        StoredObject object = store.pin("a\nkey");
        object.reportUnreadable();
        object.unpin();

        String name = directory.relativize(store.objectFiles().get(0)).toString();
        assertThat(lines())
                .anySatisfy(line -> assertThat(line).contains("\"a\\x0akey\" can't be read to its end", name));
    }

    @Test
    void filesThatVanishedAreNamedTogetherAtTheNextStart() throws Exception {
        for (int i = 0; i < LoggedKeys.SHOWN + 2; i++) {
            store.put(durable("key" + i), LARGE);
        }
        store.close();
        for (Path file : StoreUnderTest.objectFiles(directory)) {
            Files.delete(file);
        }
        store = new StoreUnderTest(directory);
        store.store().awaitRecovery();

        assertThat(lines())
                .filteredOn(line -> line.contains("are gone"))
                .hasSize(1)
                .allSatisfy(line -> assertThat(line).contains("files=7", "\"key", " and 2 more"));
    }
}
