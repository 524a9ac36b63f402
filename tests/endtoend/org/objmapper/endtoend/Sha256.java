package org.objmapper.endtoend;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 in hexadecimal, of bytes that are compared without being kept. */
final class Sha256 {
    private Sha256() {}

    /** Of a whole file. */
    static String of(Path file) throws IOException {
        return of(file, 0, file.toFile().length());
    }

    /** Of {@code count} bytes of a file. */
    static String of(Path file, long from, long count) throws IOException {
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            in.seek(from);
            return of(Channels.newInputStream(in.getChannel()), count);
        }
    }

    /** Of the next {@code count} bytes of a stream. */
    static String of(InputStream in, long count) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[65_536];
            long left = count;
            while (left > 0) {
                int read = in.read(buffer, 0, (int) Math.min(left, buffer.length));
                if (read < 0) {
                    throw new IOException(left + " bytes are missing");
                }
                digest.update(buffer, 0, read);
                left -= read;
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
