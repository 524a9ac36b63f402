package org.objmapper.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.objmapper.client.ObjectMetadata;
import org.objmapper.client.StoredObject;

/** What a GET brought. */
final class Seen {
    private Seen() {}

    /** Which version it is; it must be one that was sent, whole, under the generation that it has always had. */
    static Version of(Optional<StoredObject> found, Ledger ledger) {
        if (found.isEmpty()) {
            return Version.NOTHING;
        }
        try (StoredObject object = found.get()) {
            ObjectMetadata metadata = object.metadata();
            Version version =
                    ledger.sent(ByteBuffer.wrap(metadata.opaque().orElseThrow()).getLong());
            assertThat(metadata.length()).as("the length of " + version).isEqualTo(version.length());
            assertThat(metadata.tags()).as("the tags of " + version).isEqualTo(List.of(version.tag()));
            assertThat(Version.sha256(object.bytes()))
                    .as("the bytes of " + version)
                    .isEqualTo(version.sha256());
            assertThat(metadata.sha256())
                    .as("the SHA-256 that comes with " + version)
                    .hasValue(version.sha256());
            ledger.expectGeneration(version, metadata.generation());
            return version;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
