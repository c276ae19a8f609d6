package dev.millrace.flow;

import dev.millrace.postgres.load.LoadReader.Reading;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/// Asks one address whether the migration may load the servers. Its answer is not read. Not
/// thread-safe; confined to its probe's thread.
final class HttpProbe implements AutoCloseable {

    /// No answer within this time is one that forbids it.
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final HttpClient client =
            HttpClient.newBuilder()
                    .connectTimeout(TIMEOUT)
                    .followRedirects(HttpClient.Redirect.NEVER)
                    .build();

    private final HttpRequest request;

    HttpProbe(String address) {
        this.request = HttpRequest.newBuilder(URI.create(address)).timeout(TIMEOUT).build();
    }

    /// @return 0 after the status 200, otherwise 1
    Reading ask() throws InterruptedException {
        try {
            int status = client.send(request, BodyHandlers.discarding()).statusCode();
            return new Reading.Known(status == 200 ? 0 : 1);
        } catch (IOException _) {
            // An address that does not answer permits nothing.
            return new Reading.Known(1);
        }
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
