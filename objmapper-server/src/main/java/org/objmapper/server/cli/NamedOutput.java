package org.objmapper.server.cli;

import java.io.IOException;
import java.io.OutputStream;

/** An output whose errors name it: those of a stream say only what went wrong. */
final class NamedOutput extends OutputStream {
    private final String name;
    private final OutputStream out;

    NamedOutput(String name, OutputStream out) {
        this.name = name;
        this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            throw named(e);
        }
    }

    @Override
    public void flush() throws IOException {
        try {
            out.flush();
        } catch (IOException e) {
            throw named(e);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            out.close();
        } catch (IOException e) {
            throw named(e);
        }
    }

    private IOException named(IOException e) {
        return new IOException(IoMessage.named(name, e), e);
    }
}
