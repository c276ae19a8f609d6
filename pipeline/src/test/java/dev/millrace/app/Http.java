package dev.millrace.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Sends raw HTTP requests, including headers that a client library would not send. Each answer of
/// the API must be one that its published document describes.
public record Http(int port, Optional<String> from) {

    /// A client whose requests with a credential have different addresses, so that wrong ones are
    /// not counted together.
    public Http(int port) {
        this(port, Optional.empty());
    }

    private static final AtomicInteger ADDRESSES = new AtomicInteger();

    /// A client with one address.
    public Http from(String address) {
        return new Http(port, Optional.of(address));
    }

    public record Answer(int status, Map<String, String> headers, String body, boolean whole) {

        public String header(String name) {
            return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
        }

        public JsonNode json() {
            return JsonMapper.shared().readTree(body);
        }
    }

    public Answer get(String path, String... headers) {
        return send("GET", path, "", headers);
    }

    public Answer post(String path, String body, String... headers) {
        return send("POST", path, body, headers);
    }

    /// Adds a Host header with the loopback address unless the headers contain one.
    public Answer send(String method, String path, String body, String... headers) {
        StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
        String given = String.join("\r\n", headers);
        if (!given.contains("Host:")) {
            request.append("Host: 127.0.0.1:").append(port).append("\r\n");
        }
        if (!given.isEmpty()) {
            request.append(given).append("\r\n");
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        request.append("Connection: close\r\nContent-Length: ")
                .append(bytes.length)
                .append("\r\n\r\n")
                .append(body);
        try (Socket socket = connect(given.contains("Authorization:"))) {
            socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.UTF_8));
            Answer answer = answer(socket.getInputStream().readAllBytes());
            ApiContract.check(method, path, answer);
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Socket connect(boolean isNew) throws IOException {
        Optional<String> address =
                from.or(
                        () ->
                                Optional.of(ADDRESSES.incrementAndGet())
                                        .filter(_ -> isNew)
                                        .map(
                                                number ->
                                                        "127.1.%d.%d"
                                                                .formatted(
                                                                        number / 250,
                                                                        number % 250 + 1)));
        return address.isEmpty()
                ? new Socket("127.0.0.1", port)
                : new Socket("127.0.0.1", port, InetAddress.ofLiteral(address.get()), 0);
    }

    private static Answer answer(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int head = text.indexOf("\r\n\r\n");
        String[] lines = text.substring(0, head).split("\r\n");
        Map<String, String> headers = new LinkedHashMap<>();
        for (int line = 1; line < lines.length; line++) {
            int colon = lines[line].indexOf(':');
            headers.merge(
                    lines[line].substring(0, colon).toLowerCase(Locale.ROOT),
                    lines[line].substring(colon + 1).strip(),
                    (one, other) -> one + " | " + other);
        }
        String body = text.substring(head + 4);
        boolean chunked = headers.getOrDefault("transfer-encoding", "").equals("chunked");
        boolean whole = !chunked || body.endsWith("0\r\n\r\n");
        return new Answer(
                Integer.parseInt(lines[0].split(" ")[1]),
                headers,
                utf8(chunked ? joined(body) : body),
                whole);
    }

    private static String joined(String chunks) {
        StringBuilder joined = new StringBuilder();
        int at = 0;
        while (at < chunks.length()) {
            int end = chunks.indexOf("\r\n", at);
            if (end < 0) {
                break;
            }
            int size = Integer.parseInt(chunks.substring(at, end), 16);
            if (size == 0) {
                break;
            }
            int from = end + 2;
            joined.append(chunks, from, Math.min(from + size, chunks.length()));
            at = from + size + 2;
        }
        return joined.toString();
    }

    private static String utf8(String latin) {
        return new String(latin.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
}
