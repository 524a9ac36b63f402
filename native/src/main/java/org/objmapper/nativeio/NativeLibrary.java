package org.objmapper.nativeio;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Loads the JNI shim: from the file that the property objmapper.native names, or else from this jar. */
final class NativeLibrary {
    private static final String NAME = "libobjmapper-jni.so";

    private NativeLibrary() {}

    static void load() {
        String given = System.getProperty("objmapper.native");
        if (given != null) {
            System.load(Path.of(given).toAbsolutePath().toString());
        } else {
            loadFromJar();
        }
    }

    private static void loadFromJar() {
        try (InputStream library = NativeLibrary.class.getResourceAsStream(NAME)) {
            if (library == null) {
                throw new UnsatisfiedLinkError(
                        NAME + " is not in the objmapper-native jar; give its path with -Dobjmapper.native=PATH");
            }
            Path copy = Files.createTempFile("objmapper-jni", ".so");
            try {
                Files.copy(library, copy, StandardCopyOption.REPLACE_EXISTING);
                System.load(copy.toString());
            } finally {
                Files.delete(copy); // the mapping stays
            }
        } catch (IOException e) {
            throw new UnsatisfiedLinkError("cannot unpack " + NAME + " into " + System.getProperty("java.io.tmpdir")
                    + " (" + e.getMessage() + "); give its path with -Dobjmapper.native=PATH");
        }
    }
}
