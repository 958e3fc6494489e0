{% macro policy_version() -%}
    {#-
        The version of the policy packs of this build as a literal, as recorded in ops.policy_version. From the environment
        when SQL is made for a run, not when the project is parsed: other packs are no reason to parse everything again.
    -#}
    '{{ (env_var('ARREARS_POLICY_VERSION', '') or var('policy_version') if execute) or 'unversioned' }}'
{%- endmacro %}
