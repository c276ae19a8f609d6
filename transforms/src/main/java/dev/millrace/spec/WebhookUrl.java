package dev.millrace.spec;

import java.net.URI;
import java.net.URISyntaxException;
import org.jspecify.annotations.Nullable;

/// Checks the URL of a webhook. Messages never print it, because its path and query may be a
/// secret.
record WebhookUrl(Problems problems) {

    private static final String FORM = "write https://host/path";

    /// @return null when a problem was reported
    @Nullable URI check(Scalar written) {
        URI url;
        try {
            url = new URI(written.text().strip());
        } catch (URISyntaxException _) {
            problems.add(written, "is not a URL", FORM);
            return null;
        }
        String scheme = url.getScheme();
        String host = url.getHost();
        if (scheme == null || host == null || url.getPort() == 0 || url.getPort() > 65535) {
            problems.add(written, "has no valid scheme, host or port", FORM);
        } else if (url.getRawUserInfo() != null) {
            problems.add(
                    written,
                    "contains credentials, but its host is printed in messages",
                    "use token or token-file");
        } else if (url.getRawFragment() != null) {
            problems.add(written, "has a fragment (#…), which is never sent", "remove it");
        } else if (scheme.equalsIgnoreCase("https")
                || (scheme.equalsIgnoreCase("http") && isLoopback(host))) {
            return url;
        } else {
            problems.add(
                    written,
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
