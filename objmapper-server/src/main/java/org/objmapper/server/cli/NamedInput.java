package org.objmapper.server.cli;

import java.io.IOException;
import java.io.InputStream;

/** An input whose errors name it: those of a stream say only what went wrong. */
final class NamedInput extends InputStream {
    private final String name;
    private final InputStream in;

    NamedInput(String name, InputStream in) {
        this.name = name;
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        try {
            return in.read(bytes, offset, length);
        } catch (IOException e) {
            throw new IOException(IoMessage.named(name, e), e);
        }
    }

    @Override
    public int available() throws IOException {
        return in.available();
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
