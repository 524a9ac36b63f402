package org.objmapper.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** How the servers are started that a user would otherwise take. */
final class Rivals {
    private Rivals() {}

    /** An nginx with a worker for each processor that serves the files of a directory, its own being in {@code home}. */
    static Daemon nginx(Path home, Path files, Path socket) throws Exception {
        Path file = home.resolve("nginx.conf");
        Files.writeString(file, nginxConfiguration(home, files, socket));
        return listening(socket, "nginx", "-e", home.resolve("log").toString(), "-c", file.toString());
    }

    private static String nginxConfiguration(Path home, Path files, Path socket) {
        String user = System.getProperty("user.name").equals("root") ? "user root;\n" : "";
        return user
                + """
                daemon off;
                worker_processes PROCESSORS;
                pid HOME/pid;
                events { worker_connections 4096; }
                http {
                  access_log off;
                  sendfile on;
                  keepalive_requests 1000000000;
                  open_file_cache max=1000;
                  client_body_temp_path HOME/body;
                  proxy_temp_path HOME/proxy;
                  fastcgi_temp_path HOME/fastcgi;
                  uwsgi_temp_path HOME/uwsgi;
                  scgi_temp_path HOME/scgi;
                  server { listen unix:SOCKET; root FILES; }
                }
                """.replace(
                                "PROCESSORS",
                                Integer.toString(Runtime.getRuntime().availableProcessors()))
                        .replace("HOME", home.toString())
                        .replace("SOCKET", socket.toString())
                        .replace("FILES", files.toString());
    }

    /** A Redis that writes nothing to a disk. */
    static Daemon redis(Path socket) throws Exception {
        return listening(socket, "redis-server", "--unixsocket", socket.toString(), "--port", "0", "--save", "");
    }

    private static Daemon listening(Path socket, String... command) throws Exception {
        Daemon daemon = Daemon.start(command);
        while (!listens(socket)) {
            if (!daemon.process().isAlive()) {
                throw new IOException(String.join(" ", command) + " ended with "
                        + daemon.process().exitValue());
            }
            Thread.onSpinWait();
        }
        return daemon;
    }

    private static boolean listens(Path socket) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false; // not yet
        }
    }

    /** Stores a value in a Redis. */
    static void store(Path socket, String key, byte[] value) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.writeBytes("*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n"
                .formatted(key.length(), key, value.length)
                .getBytes(StandardCharsets.US_ASCII));
        request.writeBytes(value);
        request.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            ByteBuffer bytes = ByteBuffer.wrap(request.toByteArray());
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            ByteBuffer answer = ByteBuffer.allocate(5);
            while (answer.hasRemaining() && channel.read(answer) >= 0) {
                continue;
            }
            if (!new String(answer.array(), StandardCharsets.US_ASCII).equals("+OK\r\n")) {
                throw new IOException("Redis did not store " + key);
            }
        }
    }
}
