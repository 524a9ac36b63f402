package org.objmapper.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A configuration file with tables headed {@code [[store]]}. */
class SeveralStoresTest {
    private static final String TWO = """
            [[store]]
            directory = "/images"
            capacity = "1 GiB"
            eviction = "lru"
            [[store.listener]]
            path = "/run/images.sock"
            mode = "0600"
            [[store.listener]]
            path = "/run/images-read.sock"
            operations = ["get"]
            [[store.device]]
            directory = "/more-images"
            [store.memory]
            capacity = "64 MiB"

            [[store]]
            directory = "/pages"
            capacity = "2 GiB"
            [[store.listener]]
            path = "/run/pages.sock"
            """;

    @TempDir
    Path directory;

    @Test
    void eachStoreHasWhatStandsBelowIt() throws Exception {
        Path file = Files.writeString(directory.resolve("two.toml"), TWO);
        List<StoreSettings> stores =
                ConfigurationFile.open(file).configuration().stores();

        assertThat(stores).hasSize(2);
        StoreSettings images = stores.get(0);
        assertThat(images.directory()).isEqualTo(Path.of("/images"));
        assertThat(images.capacity().bytes()).isEqualTo(1L << 30);
        assertThat(images.capacity().eviction()).isEqualTo("lru");
        assertThat(images.listeners()).hasSize(2);
        assertThat(images.listeners().get(0).mode()).isEqualTo(0600);
        assertThat(images.listeners().get(1).operations()).containsExactly("get");
        assertThat(images.moreDevices()).singleElement().satisfies(device -> assertThat(device.directory())
                .isEqualTo(Path.of("/more-images")));
        assertThat(images.memory()).isNotNull();
        StoreSettings pages = stores.get(1);
        assertThat(pages.directory()).isEqualTo(Path.of("/pages"));
        assertThat(pages.capacity().bytes()).isEqualTo(2L << 30);
        assertThat(pages.listeners()).containsExactly(ListenerSettings.at(Path.of("/run/pages.sock")));
        assertThat(pages.moreDevices()).isEmpty();
        assertThat(pages.memory()).isNull();
    }

    @Test
    void oneMayBeWrittenSoToo() throws Exception {
        Configuration one = ConfigurationFile.parse("one.toml", "[[store]]\ncapacity = \"1 GiB\"\n");

        assertThat(one.store())
                .isEqualTo(ConfigurationFile.parse("one.toml", "[store]\ncapacity = \"1 GiB\"\n")
                        .store());
    }

    @Test
    void eachNeedsACapacityADirectoryAndAListener() throws Exception {
        Path file = Files.writeString(directory.resolve("t"), "[[store]]\n[[store]]\n");

        ConfigurationException refusal =
                catchThrowableOfType(ConfigurationException.class, () -> ConfigurationFile.open(file));

        assertThat(refusal.problems())
                .hasSize(6)
                .anyMatch(line -> line.startsWith(file + ":1: store.capacity is missing"))
                .anyMatch(line -> line.startsWith(file + ":2: store.capacity is missing"))
                .contains(file
                        + ":1: store.directory is missing: each of several stores has its own, an absolute path of at"
                        + " most 4095 bytes")
                .contains(file + ":2: store.listener is missing: each of several stores has its own, headed"
                        + " [[store.listener]]");
    }

    @Test
    void whatBelongsToAStoreStandsBelowIt() {
        assertThat(problemsOf("[[listener]]\npath = \"/a\"\n[[device]]\ndirectory = \"/b\"\n" + TWO))
                .containsExactly(
                        "test.toml:1: listener must say which [[store]] it belongs to; head it store.listener, and put it"
                                + " below that store",
                        "test.toml:3: device must say which [[store]] it belongs to; head it store.device, and put it below"
                                + " that store");
    }

    @Test
    void theOnlyStoreHasItsTablesBesideIt() {
        assertThat(problemsOf("[store]\n[[store.listener]]\npath = \"/a\"\n"))
                .singleElement()
                .asString()
                .startsWith("test.toml:2: unknown key store.listener");
    }

    @Test
    void noTwoStoresShareASocketOrADirectory() {
        assertThat(problemsOf(TWO.replace("/run/pages.sock", "/run/images.sock")))
                .singleElement()
                .asString()
                .contains("listener.path: /run/images.sock is another listener's path too, line 6");
        assertThat(problemsOf(TWO.replace("\"/pages\"", "\"/more-images\"")))
                .singleElement()
                .asString()
                .contains("store.directory: /more-images is another device's directory too, line 12");
        assertThat(problemsOf(TWO.replace("\"/pages\"", "\"/images/pages\"")))
                .singleElement()
                .asString()
                .contains("store.directory: of /images/pages and /images, line 2 one lies in the other");
    }

    @Test
    void anUnknownKeyBelowAStoreIsRefused() {
        assertThat(problemsOf(TWO.replace("mode =", "mod =")))
                .containsExactly("test.toml:7: unknown key listener.mod; did you mean listener.mode?");
    }

    private static List<String> problemsOf(String text) {
        ConfigurationException refusal =
                catchThrowableOfType(ConfigurationException.class, () -> ConfigurationFile.parse("test.toml", text));
        assertThat(refusal).as("refused: %s", text).isNotNull();
        return refusal.problems();
    }
}
