package dev.millrace.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.ServiceScene;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.testing.Waits;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The events that bring the changing part of a page.
class UpdatesIT {

    private final HttpClient client = HttpClient.newHttpClient();

    @AutoClose private ServiceScene scene;

    @BeforeEach
    void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    /// Does not wait for a stream that a failed test has left open.
    @AfterEach
    void disconnect() {
        client.shutdownNow();
    }

    /// An open page.
    private record Stream(int status, BufferedReader lines) implements AutoCloseable {

        /// The next event: its name, and its data in one line.
        String next() throws IOException {
            StringBuilder event = new StringBuilder();
            String line = lines.readLine();
            while (line != null && !line.isEmpty()) {
                event.append(line);
                line = lines.readLine();
            }
            return event.toString();
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }

    private Stream open(String page) throws Exception {
        HttpResponse<InputStream> response =
                client.send(
                        HttpRequest.newBuilder(
                                        URI.create(
                                                "http://127.0.0.1:"
                                                        + scene.http.port()
                                                        + page
                                                        + "part=stream"))
                                .timeout(Waits.LIMIT)
                                .build(),
                        BodyHandlers.ofInputStream());
        return new Stream(
                response.statusCode(),
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8)));
    }

    @Test
    void anOpenPageGetsItsPartWhenItHasChanged() throws Exception {
        try (Stream stream = open("/tables?")) {
            assertThat(stream.next())
                    .startsWith("event: live")
                    .contains("id=\"live\"", "0.3 s")
                    .doesNotContain("<html", "<form");
            // The first rates are known after a second.
            awaitEvent(stream, "event: same");
            scene.migration.lag = new Lag(1L, 1L, 47.1, null);

            assertThat(awaitEvent(stream, "event: live")).contains("47.1 s");
        }
    }

    private static String awaitEvent(Stream stream, String name) throws IOException {
        String event = stream.next();
        while (!event.startsWith(name)) {
            assertThat(event).isNotEmpty();
            event = stream.next();
        }
        return event;
    }

    /// The page of one table has another parameter.
    @Test
    void aPartIsThatOfItsPage() throws Exception {
        try (Stream stream = open("/table?name=crm.customer&")) {
            assertThat(stream.next()).contains("crm.customer", "10 of about 40");
        }
    }

    @Test
    void onlySoManyPagesHaveAStream() throws Exception {
        List<Stream> open = new ArrayList<>();
        try {
            for (int i = 0; i < Updates.MOST; i++) {
                open.add(open("/tables?"));
                assertThat(open.getLast().next()).startsWith("event: live");
            }

            assertThat(open("/tables?").status()).isEqualTo(204);
            open.removeFirst().close();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .untilAsserted(
                            () -> {
                                Stream next = open("/tables?");
                                open.add(next);
                                assertThat(next.status()).isEqualTo(200);
                            });
        } finally {
            for (Stream each : open) {
                each.close();
            }
        }
    }

    /// Otherwise the server would wait for it.
    @Test
    @Timeout(60)
    void aStreamEndsBeforeTheServiceDrains() throws Exception {
        scene.close();
        FakeMigration slow = FakeMigration.slowToDrain();
        scene = ServiceScene.over(slow);
        try (Stream stream = open("/?")) {
            stream.next();
            Thread stop = Thread.ofVirtual().start(scene::close);

            String event = stream.next();
            while (!event.isEmpty()) {
                event = stream.next();
            }
            slow.mayClose.countDown();
            stop.join();
        } finally {
            slow.mayClose.countDown();
        }
    }
}
