package dev.millrace.spec.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Who may use the service. Immutable; contains no secret: of a token only its hash is known.
///
/// @param tokens in the order of the file; their names are distinct
/// @param approvals how many approvers the moves of the traffic and the end of a migration need
/// @param oidc the issuer whose tokens are accepted too
public record AccessSetting(List<Token> tokens, int approvals, Optional<Oidc> oidc) {

    /// The file has no section `access`.
    public static final AccessSetting NONE = new AccessSetting(List.of(), 1, Optional.empty());

    public AccessSetting {
        tokens = List.copyOf(tokens);
    }

    /// Whether every request needs a credential of the file.
    public boolean isPresent() {
        return !tokens.isEmpty() || oidc.isPresent();
    }

    /// What a caller may do. Each role includes the ones before it.
    public enum Role {
        /// May read.
        VIEWER,

        /// May also change the flow, compare and repair, and try every change with a dry run.
        OPERATOR,

        /// May also move the traffic, and end the migration.
        APPROVER;

        public boolean includes(Role needed) {
            return switch (this) {
                case VIEWER -> needed == VIEWER;
                case OPERATOR -> needed != APPROVER;
                case APPROVER -> true;
            };
        }

        /// The name in the file.
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Optional<Role> of(String id) {
            return List.of(values()).stream().filter(role -> role.id().equals(id)).findFirst();
        }
    }

    /// A token of one person or program.
    ///
    /// @param name the journal has it; matches [#NAME]
    /// @param hash SHA-256 of the token, 64 hexadecimal digits
    /// @param subject of the same person in the tokens of the issuer; if empty, it is the name
    public record Token(String name, Role role, String hash, Optional<String> subject) {

        public static final String NAME = "[a-z][a-z0-9._-]{0,39}";

        public Token(String name, Role role, String hash) {
            this(name, role, hash, Optional.empty());
        }

        /// A token has 256 random bits, so nobody can try all of them: a slow hash with a salt, as
        /// for a password, would only delay each request.
        ///
        /// @return SHA-256 in hexadecimal
        public static String hashOf(String token) {
            try {
                return HexFormat.of()
                        .formatHex(
                                MessageDigest.getInstance("SHA-256")
                                        .digest(token.getBytes(StandardCharsets.UTF_8)));
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("Every Java platform has SHA-256.", e);
            }
        }
    }

    /// An OpenID Connect issuer.
    ///
    /// @param issuer its URL; its keys are found there
    /// @param audience what a token must be issued for
    /// @param roleClaim the claim with the role, or with a list of which one is a role
    public record Oidc(String issuer, String audience, String roleClaim) {}
}
