pub(crate) mod check_info;
