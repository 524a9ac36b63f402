package org.objmapper.server.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.objmapper.nativeio.NativeIo;

/**
 * What the launcher does about locales: it runs Java in C.UTF-8, for words and file names to be UTF-8 whatever the caller's locale is,
 * and leaves the caller's LC_ALL in OBJMAPPER_LC_ALL.
 */
final class CallerLocale {
    private static final String SAVED = "OBJMAPPER_LC_ALL";
    private static final char REPLACEMENT = '\uFFFD';

    private CallerLocale() {}

    /** Whether all words of the command line were UTF-8: Java puts a character of its own for what was not. */
    static boolean isUtf8(String... words) {
        for (String word : words) {
            if (word.indexOf(REPLACEMENT) >= 0) {
                return commandLineIsUtf8();
            }
        }
        return true;
    }

    private static boolean commandLineIsUtf8() {
        try {
            byte[] words = Files.readAllBytes(Path.of("/proc/self/cmdline"));
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(words));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        } catch (IOException e) {
            return false; // where that can't be read, the character is most likely Java's
        }
    }

    /** Gives this process, and the program that it becomes, the caller's locale again. */
    static void restore(Map<String, String> environment) {
        String saved = environment.get(SAVED);
        if (saved != null) {
            NativeIo.setEnvironment(bytes("LC_ALL"), saved.isEmpty() ? new byte[0] : bytes(saved));
            NativeIo.setEnvironment(bytes(SAVED), new byte[0]);
        }
    }

    private static byte[] bytes(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }
}
