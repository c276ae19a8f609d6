package dev.millrace.kafka.access;

import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.Login;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.scram.ScramExtensionsCallback;
import org.jspecify.annotations.Nullable;

/// Gives the user and the password to each connection of a Kafka client. The password is read again
/// for each, so that it can be rotated, and is in none of the client's settings. A client creates
/// this by its name. Thread-safe after `configure`.
public final class ClusterLogin implements AuthenticateCallbackHandler {

    /// A setting that Kafka does not know and passes on.
    private static final String LOGIN = "millrace.login";

    private static final String MECHANISM = "sasl.mechanism";
    private static final String PLAIN = "PLAIN";

    private volatile @Nullable Login login;

    /// The settings of every client of the cluster. Printing the map reveals the password only if
    /// the file has it in a property.
    public static Map<String, Object> settings(Kafka.External kafka) {
        Map<String, Object> settings = new HashMap<>(kafka.properties());
        settings.put("bootstrap.servers", kafka.bootstrapServers());
        kafka.login()
                .ifPresent(
                        login -> {
                            settings.put(LOGIN, login);
                            settings.put(
                                    "sasl.client.callback.handler.class",
                                    ClusterLogin.class.getName());
                            settings.put(
                                    "sasl.jaas.config",
                                    module(kafka.properties().get(MECHANISM)) + " required;");
                        });
        return settings;
    }

    private static String module(@Nullable String mechanism) {
        return PLAIN.equals(mechanism)
                ? "org.apache.kafka.common.security.plain.PlainLoginModule"
                : "org.apache.kafka.common.security.scram.ScramLoginModule";
    }

    @Override
    public void configure(
            Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {
        login = (Login) configs.get(LOGIN);
    }

    @Override
    public void handle(Callback[] callbacks) throws IOException, UnsupportedCallbackException {
        Login known = Objects.requireNonNull(login);
        for (Callback callback : callbacks) {
            switch (callback) {
                case NameCallback name -> name.setName(known.username());
                case PasswordCallback password ->
                        password.setPassword(known.password().reveal().toCharArray());
                case ScramExtensionsCallback _ -> {
                    // There are none.
                }
                default -> throw new UnsupportedCallbackException(callback);
            }
        }
    }

    @Override
    public void close() {}
}
