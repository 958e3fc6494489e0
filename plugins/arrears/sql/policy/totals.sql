-- How much is decided by the later packs, and how many customers the change would affect in any channel.
select
    (select count(*) from policy_intermediate.int_customers__contact_decision) as decisions,
    (select count(distinct customer_id) from policy_intermediate.int_customers__contact_decision) as customers,
    (select count(distinct customer_id) from changed) as affected_customers
