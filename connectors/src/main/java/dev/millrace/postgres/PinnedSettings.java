package dev.millrace.postgres;

import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// The settings of every session of Millrace, including the engine's, whatever the server, the
/// database, the role or the URL set. Contains every setting of PostgreSQL 14 to 18 that changes
/// how a value is parsed or printed, which rows a statement sees, how long a session may live, or
/// what a transaction may do. Not pinned: `search_path`, which resolves the user's names; settings
/// that only a superuser may change; settings that affect only speed or logs.
final class PinnedSettings {

    /// Values as `pg_settings` shows them. A setting that the server does not know is skipped.
    static final Map<String, String> VALUES =
            Map.ofEntries(
                    // How a value is parsed and printed.
                    Map.entry("TimeZone", "UTC"),
                    Map.entry("timezone_abbreviations", "Default"),
                    Map.entry("DateStyle", "ISO, MDY"),
                    Map.entry("IntervalStyle", "postgres"),
                    Map.entry("bytea_output", "hex"),
                    Map.entry("extra_float_digits", "1"),
                    Map.entry("client_encoding", "UTF8"),
                    Map.entry("array_nulls", "on"),
                    Map.entry("xmloption", "content"),
                    Map.entry("xmlbinary", "base64"),
                    Map.entry("lc_monetary", "C"),
                    Map.entry("lc_numeric", "C"),
                    Map.entry("lc_time", "C"),
                    Map.entry("quote_all_identifiers", "off"),
                    Map.entry("standard_conforming_strings", "on"),
                    Map.entry("backslash_quote", "safe_encoding"),
                    // Which rows a statement sees. A row security policy that would hide rows is an
                    // error.
                    Map.entry("row_security", "off"),
                    Map.entry("transform_null_equals", "off"),
                    Map.entry("gin_fuzzy_search_limit", "0"),
                    // How long a session and its statements may live.
                    Map.entry("statement_timeout", "0"),
                    Map.entry("transaction_timeout", "0"),
                    Map.entry("idle_in_transaction_session_timeout", "0"),
                    Map.entry("idle_session_timeout", "0"),
                    Map.entry("wal_sender_timeout", "60000"),
                    Map.entry("exit_on_error", "off"),
                    // What a transaction may do, and the durability of its commit.
                    Map.entry("default_transaction_isolation", "read committed"),
                    Map.entry("default_transaction_read_only", "off"),
                    Map.entry("default_transaction_deferrable", "off"),
                    Map.entry("synchronous_commit", "on"));

    private PinnedSettings() {}

    /// One statement that sets all of them. It runs after the login, so it overrides every other
    /// source of a setting.
    ///
    /// @param lockTimeout how long to wait for a lock; zero waits without limit
    static String statement(String applicationName, Duration lockTimeout) {
        Map<String, String> settings = new TreeMap<>(VALUES);
        settings.put("lock_timeout", lockTimeout.toMillis() + "ms");
        settings.put("application_name", applicationName);
        return settings.entrySet().stream()
                .map(
                        setting ->
                                "("
                                        + Identifier.literal(setting.getKey())
                                        + ", "
                                        + Identifier.literal(setting.getValue())
                                        + ")")
                .collect(
                        Collectors.joining(
                                ", ",
                                "SELECT pg_catalog.set_config(p.name, p.value, false) FROM (VALUES ",
                                // pg_settings would compute all 400 settings of the server.
                                ") AS p (name, value) WHERE pg_catalog.current_setting(p.name, true)"
                                        + " IS NOT NULL"));
    }
}
