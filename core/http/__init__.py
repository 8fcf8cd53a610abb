"""The HTTP frame: routes, one answer for every error, paging, and the OpenAPI document made from them."""
