package dev.millrace.route;

import dev.millrace.route.TrafficRoute.Finding.Status;
import dev.millrace.spec.switchover.Switchover.Route;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import tools.jackson.databind.json.JsonMapper;

/// Sends one POST request. When the answer is unknown, the same request is sent again with the same
/// `Idempotency-Key`, so that a server that has handled it does nothing. Redirects are not
/// followed: they could lead to plain HTTP or to another host.
final class WebhookRoute implements TrafficRoute {

    private static final String CHECK = "route.webhook";
    private static final int ATTEMPTS = 3;
    private static final Duration BETWEEN_ATTEMPTS = Duration.ofMillis(250);
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Route.Webhook hook;

    WebhookRoute(Route.Webhook hook) {
        this.hook = hook;
    }

    @Override
    public String name() {
        return "webhook " + hook.origin();
    }

    /// Connects, with TLS where the URL says so, and sends no request: it could have an effect.
    @Override
    public List<Finding> check(Direction next) {
        String host = hook.url().getHost().replaceAll("[\\[\\]]", "");
        boolean tls = hook.url().getScheme().equalsIgnoreCase("https");
        int port = hook.url().getPort() > 0 ? hook.url().getPort() : tls ? 443 : 80;
        int timeout = Math.toIntExact(hook.timeout().toMillis());
        try (Socket plain = new Socket()) {
            plain.connect(new InetSocketAddress(host, port), timeout);
            plain.setSoTimeout(timeout);
            if (tls) {
                handshake(plain, host, port);
            }
            return List.of(new Finding(Status.OK, CHECK, hook.origin(), "accepts connections", ""));
        } catch (SSLHandshakeException _) {
            return List.of(
                    new Finding(
                            Status.REFUSED,
                            CHECK,
                            hook.origin(),
                            "has no certificate that this JVM trusts for that host",
                            "Renew the certificate, or add its authority to the trust store."));
        } catch (IOException | UnresolvedAddressException _) {
            return List.of(
                    new Finding(
                            Status.UNREACHABLE,
                            CHECK,
                            hook.origin(),
                            "accepts no connection",
                            "Start the server, or correct the URL."));
        }
    }

    private static void handshake(Socket plain, String host, int port) throws IOException {
        SSLSocketFactory sockets = (SSLSocketFactory) SSLSocketFactory.getDefault();
        try (SSLSocket socket = (SSLSocket) sockets.createSocket(plain, host, port, true)) {
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            socket.startHandshake();
        }
    }

    /// What one request has shown.
    private sealed interface Answer {

        record Final(Outcome outcome) implements Answer {}

        /// Nothing has reached the server, or it has refused to begin.
        record NotHandled(String reason) implements Answer {}

        /// The server may have handled it.
        record Ambiguous(String reason) implements Answer {}
    }

    @Override
    public Outcome route(Attempt attempt) {
        HttpRequest request = request(attempt);
        boolean maybeHandled = false;
        String reason = "";
        try (HttpClient client =
                HttpClient.newBuilder()
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(hook.timeout())
                        .build()) {
            for (int i = 0; i < ATTEMPTS; i++) {
                if (i > 0 && !Deadline.in(hook.timeout()).pause(BETWEEN_ATTEMPTS)) {
                    break;
                }
                switch (ask(client, request)) {
                    case Answer.Final(Outcome outcome) -> {
                        return maybeHandled && outcome instanceof Outcome.NotRouted(String why)
                                ? unknown(attempt, reason + ", then " + why)
                                : outcome;
                    }
                    case Answer.NotHandled(String why) -> reason = why;
                    case Answer.Ambiguous(String why) -> {
                        reason = why;
                        maybeHandled = true;
                    }
                }
            }
            client.shutdownNow();
        }
        return maybeHandled
                ? unknown(attempt, reason)
                : new Outcome.NotRouted(name() + ": " + reason);
    }

    private Answer ask(HttpClient client, HttpRequest request) {
        try {
            HttpResponse<InputStream> response = client.send(request, BodyHandlers.ofInputStream());
            try (InputStream _ = response.body()) {
                return answer(response.statusCode());
            }
        } catch (HttpConnectTimeoutException
                | ConnectException
                | SSLHandshakeException
                | UnresolvedAddressException _) {
            return new Answer.NotHandled("no connection");
        } catch (IOException _) {
            return new Answer.Ambiguous("no answer");
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return new Answer.Ambiguous("interrupted before the answer");
        }
    }

    private Answer answer(int status) {
        String text = "status " + status;
        return switch (status) {
            // The first request with this key is still being handled, or the server is not sure.
            case 408, 409 -> new Answer.Ambiguous(text);
            case 425, 429 -> new Answer.NotHandled(text);
            default ->
                    switch (status / 100) {
                        case 2 -> new Answer.Final(new Outcome.Routed());
                        case 3 ->
                                notRouted(text + ": redirects are not followed; set the final URL");
                        case 4 -> notRouted(text);
                        default -> new Answer.Ambiguous(text);
                    };
        };
    }

    private Answer notRouted(String reason) {
        return new Answer.Final(new Outcome.NotRouted(name() + ": " + reason));
    }

    private HttpRequest request(Attempt attempt) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(hook.url())
                        .timeout(hook.timeout())
                        .header("Content-Type", "application/json")
                        .header("Idempotency-Key", attempt.key())
                        .POST(
                                BodyPublishers.ofString(
                                        JSON.writeValueAsString(
                                                Map.of(
                                                        "migration", attempt.migration(),
                                                        "operation", attempt.operation(),
                                                        "direction", attempt.direction().text()))));
        if (hook.token().isPresent()) {
            request.header("Authorization", "Bearer " + hook.token().reveal());
        }
        return request.build();
    }

    private Outcome unknown(Attempt attempt, String reason) {
        return new Outcome.Unknown(
                "Did "
                        + name()
                        + " handle the request with Idempotency-Key "
                        + attempt.key()
                        + " ("
                        + attempt.direction().text()
                        + ")? Its answer: "
                        + reason
                        + ".");
    }
}
