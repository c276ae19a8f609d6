package dev.millrace.spec;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// What the schema says of a key, on the record component that binds it. The key is the component's
/// name with hyphens.
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.FIELD, ElementType.RECORD_COMPONENT})
@interface Setting {

    String value();

    boolean required() default false;

    /// What the text must match; empty for any.
    String pattern() default "";

    /// The least and the greatest number, for a key that is one.
    int[] range() default {};

    String standard() default "";

    String[] examples() default {};

    /// The kind of value, for messages: "a mapping", "a list of column names".
    String kind() default "text";
}
