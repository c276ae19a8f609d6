package dev.millrace.spec.switchover;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Checks the URL of a webhook. Messages never print it, because its path and query may be a
/// secret. Stateless.
public final class WebhookUrl {

    private static final String FORM = "write https://host/path";

    private WebhookUrl() {}

    /// @param problems takes a problem of the text and its remedy
    /// @return null when a problem was reported
    public static @Nullable URI read(String text, BiConsumer<String, String> problems) {
        URI url;
        try {
            url = new URI(text.strip());
        } catch (URISyntaxException _) {
            problems.accept("is not a URL", FORM);
            return null;
        }
        String scheme = url.getScheme();
        String host = url.getHost();
        if (scheme == null || host == null || url.getPort() == 0 || url.getPort() > 65535) {
            problems.accept("has no valid scheme, host or port", FORM);
        } else if (url.getRawUserInfo() != null) {
            problems.accept(
                    "contains credentials, but its host is printed in messages",
                    "use token or token-file");
        } else if (url.getRawFragment() != null) {
            problems.accept("has a fragment (#…), which is never sent", "remove it");
        } else if (scheme.equalsIgnoreCase("https")
                || (scheme.equalsIgnoreCase("http") && isLoopback(host))) {
            return url;
        } else {
            problems.accept(
                    "must be https: anyone on the network could read or change a plain request",
                    "use https; http is accepted for localhost, 127.0.0.1 and [::1]");
        }
        return null;
    }

    private static boolean isLoopback(String host) {
        return host.equalsIgnoreCase("localhost")
                || host.equals("[::1]")
                || host.matches("127(\\.\\d{1,3}){3}");
    }
}
