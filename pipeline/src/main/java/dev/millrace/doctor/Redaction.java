package dev.millrace.doctor;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/// Replaces known secrets in a text. Every part of a bundle is also written without secrets; this
/// is the second line of defence, for a file that Millrace did not write. Immutable.
public final class Redaction {

    private static final String MASKED = "***";

    /// A shorter secret is part of ordinary words. It is replaced only where it is a whole word.
    private static final int LONG = 6;

    private final List<String> secrets;

    /// @param secrets empty texts are ignored; each is also found as JSON and URLs write it
    public Redaction(Collection<String> secrets) {
        this.secrets =
                secrets.stream()
                        .filter(secret -> !secret.isBlank())
                        .flatMap(Redaction::forms)
                        .distinct()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .toList();
    }

    private static Stream<String> forms(String secret) {
        String json = JsonMapper.shared().writeValueAsString(secret);
        return Stream.of(
                secret,
                json.substring(1, json.length() - 1),
                URLEncoder.encode(secret, StandardCharsets.UTF_8));
    }

    /// A text without the secrets, and how often one was replaced.
    record Redacted(String text, int replaced) {}

    Redacted apply(String text) {
        String rest = text;
        int replaced = 0;
        for (String secret : secrets) {
            StringBuilder shown = new StringBuilder();
            int from = 0;
            for (int at = rest.indexOf(secret); at >= 0; at = rest.indexOf(secret, from)) {
                int end = at + secret.length();
                boolean isSecret = secret.length() >= LONG || isWord(rest, at, end);
                shown.append(rest, from, at).append(isSecret ? MASKED : secret);
                replaced += isSecret ? 1 : 0;
                from = end;
            }
            rest = shown.append(rest, from, rest.length()).toString();
        }
        return new Redacted(rest, replaced);
    }

    private static boolean isWord(String text, int from, int to) {
        return (from == 0 || !Character.isLetterOrDigit(text.charAt(from - 1)))
                && (to == text.length() || !Character.isLetterOrDigit(text.charAt(to)));
    }
}
